"""Commands: a control becomes a row, a message to the car, and an outcome. Nothing is ever carried out twice."""

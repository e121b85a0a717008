"""The vehicle API as Smartcar's v2.0 has it, with the endpoints that only Teslas have beside it."""

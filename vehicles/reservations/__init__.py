"""Reservations: an application that moves here keeps the ids it knows. Reserved from a file, given back in Connect."""

from vehicles.reservations.giving_back import Claim, forget, forget_email, recognise, settle
from vehicles.reservations.reserving import Problem, Result, Wanted, reserve

__all__ = ["Claim", "Problem", "Result", "Wanted", "forget", "forget_email", "recognise", "reserve", "settle"]

"""Reservations: an application that moves here keeps the ids it knows. Reserved from a file, given back in Connect."""

from vehicles.reservations.giving_back import Claim, complete, forget, forget_email, recognise
from vehicles.reservations.reserving import ReservationFault, Result, Wanted, reserve

__all__ = [
    "Claim",
    "ReservationFault",
    "Result",
    "Wanted",
    "complete",
    "forget",
    "forget_email",
    "recognise",
    "reserve",
]

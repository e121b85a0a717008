"""Signing in to the staff screens: who may try how often, what hashing passwords may cost, what the trail keeps of it.

Attempts are limited by address, and by name and address, never by name alone: nobody can lock out staff from elsewhere.
"""

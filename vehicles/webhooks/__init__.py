"""Webhooks: applications are told what changed for their cars.

History is the outbox: `outbox` makes a delivery of each event behind a webhook's position, and `delivery` sends it, so
that no event is lost wherever a process dies. At least once, in order per car, the event's id the same with every try.
"""

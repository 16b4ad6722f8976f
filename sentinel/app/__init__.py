"""Composition root: the only room that knows every room.

``parts`` makes each part from the settings, ``service`` runs them together, ``offline`` runs
detection on files.
"""

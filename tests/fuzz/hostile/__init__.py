"""Hostile inputs, made by code: no file of this corpus is stored."""

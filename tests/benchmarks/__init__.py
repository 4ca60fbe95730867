"""Measurements that are no part of a test run."""

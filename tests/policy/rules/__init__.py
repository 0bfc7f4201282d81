"""Tests of the policy rules, one file each."""

"""Patients: for each code one training that has the fault and one of the same kind that is sound."""

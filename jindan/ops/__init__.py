"""Heavy array operations, each in the form that is fastest for its shape and device."""

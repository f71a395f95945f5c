"""`/api/v1`: the plain JSON surface of Sendwithus and Blueshift clients."""

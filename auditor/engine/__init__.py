"""Runs the model: one shared pass serves every map; every other forward goes through one chunked predictor."""

"""A whole node under load while things die around it. Seeded and short here; `make chaos` runs for as long as it is told.

PLAYNET_CHAOS_SEED    one number that names the run; printed with every failure
PLAYNET_CHAOS_KILLS   how often brain, nginx or both are killed
PLAYNET_CHAOS_FLOODS  how often three times the quota comes
PLAYNET_CHAOS_SOAK_S  seconds of mixed load
"""

from hypothesis import settings

# A busy machine makes no test fail, and a run leaves nothing behind.
settings.register_profile("unhurried", deadline=None, database=None)
settings.load_profile("unhurried")

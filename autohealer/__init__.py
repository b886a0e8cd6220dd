"""autohealer keeps N workers alive, on one machine or on many, through ZooKeeper."""

__version__ = "0.1.0"

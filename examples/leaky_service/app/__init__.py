"""A small web shop that grows by a few sessions a second and never says why."""

"""Many workers on many machines over one PostgreSQL: who does what is settled by Procrastinate."""

"""The database: models, migrations, repositories and the single writer. The ORM appears nowhere else."""

"""What people read: figures and pages, made from a run's saved JSON and Parquet only (design, idea 8)."""

"""Creating many clients from a CSV file: preview, the job that creates them, and the result of each row."""

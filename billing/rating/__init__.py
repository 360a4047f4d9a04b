"""Rating: usage events onto invoice lines, under the prices that held."""

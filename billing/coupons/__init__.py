"""Coupons: discounts that an MSP defines once and gives to clients."""

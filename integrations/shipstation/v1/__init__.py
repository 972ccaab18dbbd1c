"""ShipStation's API V1, for merchants who still run on V1 keys. Planning is V2's; what is said and how is V1's own."""

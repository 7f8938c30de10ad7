"""What the live page shows: quotes, series of prices, rates and delays. No NiceGUI here."""

"""What the live page shows. No NiceGUI here.

feed       the instruments that pages look at, each subscribed once
quotes     the latest tick, and whether it is of now; series: points over time; rates: messages a
           second and delays by hop. No I/O
"""

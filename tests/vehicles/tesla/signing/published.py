"""The example keys and messages that Tesla publishes with its protocol. The keys are public: never use
them on a car.
"""

from collections.abc import Callable, Iterator

from vehicles.tesla.signing import Domain, PrivateKey, SessionInfo

VEHICLE_KEY = PrivateKey.from_scalar(0x344EE5B466A7CF1EEB12B6F50331DB2E5EC5834EF5F4BEFCFD8CBE55C2528D70)
CLIENT_KEY = PrivateKey.from_scalar(0x2538CDC29A97C19C1E99A637D6CF4F8C970C118B56EDE1E6323E6D162C4B30DB)
VIN = "5YJ30123456789ABC"
EPOCH = bytes.fromhex("4c463f9cc0d3d26906e982ed224adde6")
COUNTER = 6
CLOCK = 2650
HANDSHAKE_UUID = bytes.fromhex("1588d5a30eabc6f8fc9a951b11f6fd11")
COMMAND_UUID = bytes.fromhex("58406580528b6a5301391800b4fe9b99")
ROUTING_ADDRESS = bytes.fromhex("2c907bd76c640d360b3027dc7404efde")
NONCE = bytes.fromhex("dbf79447fa156674dae1caed")
SESSION_INFO = bytes.fromhex(
    "0806124104c7a1f47138486aa4729971494878d33b1a24e39571f748a6e16c5955b3d877d3a6aaa0e955166474af5d32c410f4"
    "39a2234137ad1bb085fd4e8813c958f11d971a104c463f9cc0d3d26906e982ed224adde6255a0a0000"
)
SESSION_TAG = bytes.fromhex("996c1fe38331be138f8039c194b14db2198846ed7d8251e6749284d7b32ea002")
CLIMATE_ON = bytes.fromhex("120452020801")


def session(domain: Domain = Domain.INFOTAINMENT, *, observed_at: float = 1000.0) -> SessionInfo:
    """The session of the published handshake, observed at second 1000 of our clock."""
    return SessionInfo(VIN, domain, VEHICLE_KEY.public_key, EPOCH, COUNTER, CLOCK, observed_at, CLOCK)


def scripted(*chunks: bytes) -> Callable[[int], bytes]:
    """Randomness that gives these chunks in order and insists on their lengths."""
    remaining: Iterator[bytes] = iter(chunks)

    def give(length: int) -> bytes:
        chunk = next(remaining)
        assert len(chunk) == length
        return chunk

    return give

"""Verdicts in the holding registers of a Modbus-TCP controller, by pymodbus."""

from hardsight.connections.interlock import LinkDown, Signal
from hardsight.connections.mqtt import LINE
from hardsight.core.extras import needed


class ModbusLink:
    """Writes the words of a ``Signal`` to four registers, in one request.

    Args:
        host, port: of the controller.
        address: of the first register, from 0 on.
        unit: number of the device behind the address.
        timeout: seconds that it has to answer.

    Raises:
        ImportError: the extra ``line`` is not installed.
    """

    def __init__(
        self, host: str, port: int = 502, address: int = 0, unit: int = 1, timeout: float = 1.0
    ) -> None:
        client = needed("pymodbus.client", LINE, "Modbus")
        self._error = needed("pymodbus.exceptions", LINE, "Modbus").ModbusException
        self.host, self.address, self.unit = host, address, unit
        self._client = client.ModbusTcpClient(host, port=port, timeout=timeout, retries=0)

    def open(self) -> None:
        """Connect.

        Raises:
            LinkDown: it cannot be reached.
        """
        if not self._client.connect():
            raise LinkDown(f"no connection to {self.host}")

    def write(self, signal: Signal) -> None:
        """Write the registers.

        Raises:
            LinkDown: no answer, or a refusal.
        """
        try:
            answer = self._client.write_registers(self.address, list(signal), device_id=self.unit)
        except (self._error, OSError) as error:
            raise LinkDown(str(error)) from error
        if answer.isError():
            raise LinkDown(f"it refused registers {self.address} to {self.address + 3}: {answer}")

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

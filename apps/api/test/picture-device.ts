import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { open, scene } from '../../../libs/frames/test/made-pictures.js';

/** A device that answers every request with the same picture. */
export interface PictureDevice {
  readonly port: number;
  close(): Promise<void>;
}

export async function startPictureDevice(): Promise<PictureDevice> {
  const picture = await open(scene(640, 360)).jpeg().toBuffer();
  const device = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture),
  );
  await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
  return {
    port: (device.address() as AddressInfo).port,
    close: async () => {
      device.closeAllConnections();
      await new Promise((resolve) => device.close(resolve));
    },
  };
}

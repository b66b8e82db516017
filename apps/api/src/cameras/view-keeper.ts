import { farthestOf, type GeoCamera, geoCameraOf, indexedViews, type ReachOptions } from '#geo';
import { type CameraRecord, type Database, Terrain, ViewIndex } from '#storage';
import type { Ground } from '../surroundings/ground.js';

/** A camera whose views are worked out. */
interface Viewing {
  readonly id: string;
  readonly camera: GeoCamera;
}

/** Works out what cameras see, and keeps it for the index. */
export class ViewKeeper {
  constructor(private readonly ground: Ground) {}

  /**
   * Inside the transaction that writes cameras, so that footprint and reach are never older than the camera. What geometry does not read
   * changes nothing here.
   */
  async keep(records: readonly CameraRecord[], db: Database): Promise<void> {
    await this.workOut(
      records.filter(({ changesViews }) => changesViews).map(({ id, geo }) => ({ id, camera: geo })),
      db,
    );
  }

  /** Works out the views of cameras and keeps them. @returns how many views */
  async workOut(cameras: readonly Viewing[], db: Database): Promise<number> {
    if (cameras.length === 0) return 0;
    const grounds = await this.groundsOf(cameras, db);
    const views = cameras.map(({ id, camera }, i) => ({
      cameraId: id,
      geo: geoCameraOf(camera),
      views: indexedViews(camera, grounds[i]),
    }));
    const index = new ViewIndex(db);
    await index.dropOthers(views);
    await index.put(views);
    return views.reduce((sum, one) => sum + one.views.length, 0);
  }

  /** By an elevation model, where there is one under the camera: heights between which what it sees may lie. */
  private async groundsOf(cameras: readonly Viewing[], db: Database): Promise<readonly ReachOptions[]> {
    const masts = await this.ground.heightsIn(
      db,
      cameras.map(({ camera }) => camera.location.coordinates),
    );
    if (masts.every((groundM) => groundM === null)) return masts.map(() => ({}));
    const around = cameras.map(({ camera }) => ({ position: camera.location.coordinates, farM: farthestOf(camera) }));
    const ranges = await new Terrain(db).rangesAround(around);
    return masts.map((groundM, i) => {
      if (groundM === null) return {};
      const range = ranges[i];
      return range == null ? { groundM } : { groundM, terrain: range };
    });
  }
}

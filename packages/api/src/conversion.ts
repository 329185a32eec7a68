import type { KubeObject } from '@skiff/machinery'

/** Between a served version and the stored one. Both directions keep metadata as it is. */
export interface Conversion {
  readonly toStored: (object: KubeObject) => KubeObject
  readonly fromStored: (object: KubeObject) => KubeObject
}

import type { KubeObject } from '@skiff/machinery'

/** Between a served version and the stored one. Both directions keep metadata as it is. */
export interface Conversion {
  readonly toStored: (object: KubeObject) => KubeObject
  readonly fromStored: (object: KubeObject) => KubeObject
  /**
   * Where a webhook converts: asks it, in one call, about those objects that it was not asked about. Without that the two functions above
   * throw for an object that they do not know.
   */
  readonly prepare?: (objects: readonly KubeObject[], to: 'stored' | 'served') => Promise<void>
}

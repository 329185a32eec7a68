import { quantityValue } from '@skiff/machinery'
import type { ShapePoint } from '../config/configuration.ts'
import { lineThrough } from './resource-strategies.ts'
import type { Choice } from './volume-claims.ts'
import { className } from './volume-match.ts'

interface Use {
  requestedBytes: number
  capacityBytes: number
}

/**
 * How well a node's storage suits the chosen volumes (upstream's StorageCapacityScoring): by class, the share that is asked for of the
 * volumes given, or where none is given, of the room that the provisioner has there.
 */
export const volumeScore = (shape: readonly ShapePoint[]): ((choices: readonly Choice[]) => number) => {
  const line = lineThrough(shape)
  return (choices) => {
    const given = choices.filter(({ volume }) => volume)
    const byClass = new Map<string, Use>()
    for (const { claim, volume, roomBytes } of given.length > 0 ? given : choices) {
      if (!volume && roomBytes === undefined) continue
      const name = className(claim)
      const use = byClass.get(name) ?? { requestedBytes: 0, capacityBytes: 0 }
      byClass.set(name, use)
      use.requestedBytes += quantityValue(claim.spec.resources?.requests?.storage ?? '0')
      // Several claims share the room of one class; volumes are each of their own.
      if (volume) use.capacityBytes += quantityValue(volume.spec.capacity?.storage ?? '0')
      else use.capacityBytes = roomBytes as number
    }
    if (byClass.size === 0) return 0
    let sum = 0
    for (const { requestedBytes, capacityBytes } of byClass.values()) {
      const isOver = capacityBytes === 0 || requestedBytes > capacityBytes
      sum += line(isOver ? 100 : Math.trunc((requestedBytes * 100) / capacityBytes))
    }
    return Math.round(sum / byClass.size)
  }
}

import type { Upgrade } from '@skiff/client'
import { requestUpgrade, type StreamingTarget, type UpgradeAnswer } from '@skiff/client'
import { Refusal } from '@skiff/machinery'

/** How an opened session takes the client's connection. */
export type Carry = (client: Upgrade) => Promise<void>

const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  // A name with several addresses fails with all of them and no text of its own.
  return error.message || (error as { code?: string }).code || 'connection failed'
}

/** Asks the runtime for the upgrade; throws a Refusal where it cannot be reached, worded as upstream's proxy does. */
export const askBackend = async (
  target: StreamingTarget,
  method: string,
  headers: readonly string[],
  signal?: AbortSignal,
): Promise<UpgradeAnswer> => {
  try {
    return await requestUpgrade(target, method, headers, signal)
  } catch (error) {
    throw new Refusal(500, '', `error dialing backend: ${messageOf(error)}`)
  }
}

import { encodeProtobuf, type Kind, messageOfKind } from '@skiff/api'
import { type KubeObject, Refusal } from '@skiff/machinery'

/** What etcd takes in one request. */
const maxStoredBytes = 1.5 * 1024 * 1024

/** Refuses an object that upstream's store would not take, in its words. Built-in kinds count as upstream stores them, in protobuf. */
export const checkStoredSize = (kind: Kind, object: KubeObject, json: Buffer): void => {
  if (json.length <= maxStoredBytes) return
  const message = kind.custom ? undefined : messageOfKind(kind.apiVersion, kind.kind)
  if (message && encodeProtobuf(message, object).length <= maxStoredBytes) return
  throw new Refusal(500, '', 'etcdserver: request is too large')
}

import { configMap, secret } from '@skiff/api'
import type { JsonObject } from '@skiff/machinery'
import { resourceFieldText } from '../describe/resource-field.ts'
import { at, type Dynamic, mapAt, textAt } from '../objects/fields.ts'
import type { Session } from '../session.ts'

/** Where a variable's value comes from: `secret creds, key k`. */
const sourceText = (from: JsonObject): string => {
  const keyed = (key: string): string => `${textAt(from, `${key}.name`)}, key ${textAt(from, `${key}.key`)}`
  if (from.configMapKeyRef) return `configmap ${keyed('configMapKeyRef')}`
  if (from.secretKeyRef) return `secret ${keyed('secretKeyRef')}`
  if (from.fieldRef) return `field path ${textAt(from, 'fieldRef.fieldPath')}`
  if (!from.resourceFieldRef) return 'invalid valueFrom'
  const [container, resource] = [textAt(from, 'resourceFieldRef.containerName'), textAt(from, 'resourceFieldRef.resource')]
  return `resource field ${container === '' ? '' : `${container}.`}${resource}`
}

const valueFrom = async (session: Session, object: Dynamic, container: JsonObject, from: JsonObject): Promise<string> => {
  const { client, namespace } = await session.connect()
  if (from.secretKeyRef) {
    const { key, name } = mapAt(from, 'secretKeyRef') as { key: string; name: string }
    const found = (await client.get(secret, { name, namespace })) as unknown as Dynamic
    const data = at(found, ['data', key])
    if (data === undefined) throw new Error(`key ${key} not found in secret ${name}`)
    return Buffer.from(String(data), 'base64').toString('utf8')
  }
  if (from.configMapKeyRef) {
    const { key, name } = mapAt(from, 'configMapKeyRef') as { key: string; name: string }
    const found = (await client.get(configMap, { name, namespace })) as unknown as Dynamic
    const data = at(found, ['data', key])
    if (data === undefined) throw new Error(`key ${key} not found in config map ${name}`)
    return String(data)
  }
  if (from.fieldRef) return textAt(object, textAt(from, 'fieldRef.fieldPath'))
  return resourceFieldText(mapAt(from, 'resourceFieldRef'), container)
}

/** A variable as `set env --list` shows it, and why its value could not be had. */
export const resolveVariable = async (
  session: Session,
  object: Dynamic,
  container: JsonObject,
  variable: JsonObject,
  resolve: boolean,
): Promise<{ readonly line: string; readonly error?: string }> => {
  const name = textAt(variable, 'name')
  if (variable.valueFrom === undefined) return { line: `${name}=${textAt(variable, 'value')}` }
  const from = mapAt(variable, 'valueFrom')
  const line = `# ${name} from ${sourceText(from)}`
  if (!resolve) return { line }
  try {
    return { line: `${name}=${await valueFrom(session, object, container, from)}` }
  } catch (error) {
    return { line, error: (error as Error).message }
  }
}

import { env } from '../set/env.ts'
import { image } from '../set/image.ts'
import { selector, serviceaccount, subject } from '../set/references.ts'
import { resources } from '../set/resources.ts'
import type { VerbGroup } from '../verb.ts'

export const set: VerbGroup = { parts: { image, resources, selector, subject, serviceaccount, env }, aliases: { sa: 'serviceaccount' } }

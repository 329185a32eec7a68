import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { delegateControllers, removeCgroups, removeEmptyCgroup } from './cgroups.ts'

test('all controllers that are there are handed down; on v1 nothing is written', async () => {
  const base = await mkdtemp(join(tmpdir(), 'skiff-cgroup-'))
  try {
    await delegateControllers(base)
    expect(await readdir(base)).toEqual([])
    await writeFile(join(base, 'cgroup.controllers'), 'cpuset cpu memory pids\n')
    await delegateControllers(base)
    expect(await readFile(join(base, 'cgroup.subtree_control'), 'utf8')).toBe('+cpuset +cpu +memory +pids')
  } finally {
    await rm(base, { recursive: true })
  }
})

test('the root cgroup is never removed', async () => {
  await expect(removeCgroups(systemEnv(), '/')).rejects.toThrow('is no cgroup below the root')
  await expect(removeCgroups(systemEnv(), '')).rejects.toThrow('is no cgroup below the root')
  await removeEmptyCgroup('/')
})

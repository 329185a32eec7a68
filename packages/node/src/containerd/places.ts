import { join } from 'node:path'

/** All paths of one containerd. */
export interface Places {
  /** Images and snapshots: survive reboots. */
  readonly root: string
  /** Sockets, mounts, namespaces, network leases: what a reboot ends anyway. Best on tmpfs. */
  readonly state: string
  readonly socket: string
  readonly configFile: string
  readonly pidFile: string
  readonly logFile: string
  readonly cniConfigDir: string
  readonly cniDataDir: string
  /** One directory a registry, with its hosts.toml. */
  readonly registryDir: string
}

// The kernel's limit for the path of a unix socket; containerd appends `.ttrpc`.
const maxSocketPathBytes = 107 - '.ttrpc'.length

/** `root` and `state` are absolute and belong to this containerd alone. Throws when `state` is too long for a socket. */
export const placesOf = (root: string, state: string, logFile = join(state, 'containerd.log')): Places => {
  const socket = join(state, 'containerd.sock')
  if (Buffer.byteLength(socket) > maxSocketPathBytes)
    throw new Error(`${state} is too long a path: the socket in it would exceed ${maxSocketPathBytes} bytes; choose a shorter one`)
  return {
    root,
    state,
    socket,
    configFile: join(state, 'config.toml'),
    pidFile: join(state, 'containerd.pid'),
    logFile,
    cniConfigDir: join(state, 'cni', 'net.d'),
    cniDataDir: join(state, 'cni', 'networks'),
    registryDir: join(state, 'registries'),
  }
}

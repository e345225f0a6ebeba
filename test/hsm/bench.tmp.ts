import { createHash, randomBytes } from 'node:crypto'
import { spawnSync, fork } from 'node:child_process'
import { openToken, personKey, authorise, digest } from './support.ts'
import {readFileSync} from 'node:fs'
import {pids} from './support.ts'
const o = await openToken({signers:2})
for (const [kt,scheme] of [['P-256','ecdsa-sha256'],['RSA-2048','rsa-sha256'],['RSA-2048','pss-sha256'],['Ed25519','ed25519']] as const) {
  const p = await personKey(o.token,{keyType:kt})
  const inputs = Array.from({length:16},(_,i)=>digest('SHA-256',String(i)))
  for (const n of [1,16]) {
    const use = inputs.slice(0,n)
    // as a service would: an authorisation of its own for every 50 requests
    let count=0, stop=false
    const callers = Array.from({length:64},async (_,c)=>{
      const a = await authorise(o.token,p,{digests:use,hash: kt==='Ed25519'?undefined:'SHA-256'})
      while(!stop){ await o.token.sign({flow:'c'+c,key:p.key,scheme,inputs:use,authorisation:a}); count+=n }
    })
    await new Promise(r=>setTimeout(r,700)); 
    const sc=()=>pids(o.log).reduce((a,p)=>{const f=readFileSync(`/proc/${p}/stat`,'utf8').split(' ');return a+Number(f[13])+Number(f[14])},0)*10000; const s0=sc(); const c0=process.cpuUsage(); const start=count; const t=performance.now()
    await new Promise(r=>setTimeout(r,3000))
    const done=count-start; const dt=(performance.now()-t)/1000; const cpu=process.cpuUsage(c0)
    const s1=sc(); stop=true; await Promise.all(callers)
    console.log(kt,scheme,'n=',n,Math.round(done/dt),'sig/s; us cpu per sig: service',((cpu.user+cpu.system)/done).toFixed(1),'signers',((s1-s0)/done).toFixed(1))
  }
}
await o.close()

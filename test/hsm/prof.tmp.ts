import { spawn } from 'node:child_process'
import { openToken, personKey, authorise, digest } from './support.ts'
import { startPayload } from './rawSigner.ts'
import { frame, FrameSplitter, OP, Writer } from '../../hsm/wire.ts'
import { encodeKey, encodeSealedAuthorisation } from '../../hsm/codec.ts'
const o = await openToken()
const p = await personKey(o.token,{keyType:'P-256'})
const input=digest('SHA-256','x')
const a = await authorise(o.token,p,{digests:[input]})
const [sig] = await o.token.sign({flow:'c',key:p.key,scheme:'ecdsa-sha256',inputs:[input],authorisation:a})
const child = spawn(process.execPath,['--cpu-prof','--cpu-prof-dir=/tmp/prof','--import','tsx','hsm/signer/main.ts'],{env:o.soft.config.environment,stdio:['ignore','inherit','inherit','pipe']})
const wire = child.stdio[3] as any
const sp = new FrameSplitter(); let got=0; let want=0; let res:any
wire.on('data',(c:Buffer)=>{ for(const f of sp.push(c)){ if(f.code!==0) console.log('bad',f.payload.toString()); got++ } if(got>=want) res?.() })
const send=(op:keyof typeof OP,payload:Buffer)=>{wire.write(frame(1,OP[op],payload))}
const wait=(n:number)=>new Promise<void>(r=>{want=n; res=r; if(got>=n) r()})
send('start',startPayload(o.soft)); await wait(1); send('login',Buffer.alloc(0)); await wait(2); send('open',Buffer.alloc(0)); await wait(3)
const w = new Writer().bytes(encodeKey(p.key)).text('ecdsa-sha256'); w.optional(a,(r)=>w.bytes(encodeSealedAuthorisation(r))).u8(0)
const sp1=frame(1,OP.sign,w.list([input]).end())
const vp=frame(1,OP.verify,new Writer().text('P-256').bytes(p.key.spki).text('ecdsa-sha256').list([input]).list([sig!]).end())
const run=async(f:Buffer,rounds:number,label:string)=>{ const batch=Buffer.concat(Array.from({length:16},()=>f)); const t=performance.now(); const u=()=>{const s=require('fs').readFileSync(`/proc/${child.pid}/stat`,'utf8').split(' ');return (Number(s[13])+Number(s[14]))*10000}; const c=u(); for(let i=0;i<rounds;i++){wire.write(batch); await wait(got+16)} console.log(label, ((u()-c)/(rounds*16)).toFixed(1),'us cpu', ((performance.now()-t)*1000/(rounds*16)).toFixed(1),'us wall') }
import { createRequire } from 'node:module'; const require=createRequire(import.meta.url)
await run(sp1,200,'warm'); await run(sp1,1500,'sign'); await run(vp,1500,'verify')
wire.end(); await new Promise(r=>child.on('exit',r)); await o.close()

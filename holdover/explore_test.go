package holdover
import ("testing";"bragi/holdover/quality")
func TestExplore(t *testing.T){
	for _,k:=range []Oscillator{XO,TCXO,TCXOHi,OCXO,Rubidium}{
	 for seed:=uint64(1);seed<=4;seed++{
		r:=newRig(t,seed,k,nil)
		n:=r.until(quality.Locked,40)
		r.resetStatistics()
		r.run(7200)
		rms,mx:=r.lockRMS(),r.max
		rep:=r.report
		r.pps.cut=true
		r.run(3600)
		t.Logf("%v seed %d: lock %d s rms %.1f max %.1f bound %.0f sig %.1f noise %.1f fc %.0f mean %.4f±%.4f osc %.4f; 1h err %.0f bound %.0f; ppbs %.2f jump %.1f outside %d states %v at %v", k,seed,n,rms,mx,rep.BoundNs,rep.SigmaNs,rep.PulseNoiseNs,rep.ForecastS,rep.MeanPPB,rep.MeanErrorPPB,rep.OscillatorPPB,r.trueError(),r.report.BoundNs,r.maxPPBs,r.maxJump,r.outside,r.states,r.at)
	 }
	}
}

export default function ({ data, setStateValue }) {
  let last = "", stopped = false, ice = null;
  const frameError = () => {
    for (const frame of document.querySelectorAll('iframe[title*="webrtc"]')) {
      try {
        const shown = [...frame.contentDocument.querySelectorAll(".MuiAlert-message")].map((e) => e.textContent);
        const error = shown.find((text) => /Error|securely|getUserMedia/.test(text));
        if (error) return error;
      } catch (_) { /* a frame of another origin tells nothing */ }
    }
    return "";
  };
  const gather = () => new Promise((done) => {
    const kinds = new Set(), codes = new Set();
    let peer;
    try { peer = new RTCPeerConnection({ iceServers: data.iceServers }); } catch (_) { return done([[], [400]]); }
    const finish = () => { peer.close(); done([[...kinds].sort(), [...codes].sort()]); };
    const timer = setTimeout(finish, 4000);
    peer.onicecandidate = (e) => {
      if (e.candidate && e.candidate.type) kinds.add(e.candidate.type);
      if (!e.candidate) { clearTimeout(timer); finish(); }
    };
    peer.onicecandidateerror = (e) => { if (/^turn/.test(e.url || "")) codes.add(e.errorCode); };
    peer.createDataChannel("probe");
    peer.createOffer().then((offer) => peer.setLocalDescription(offer));
  });
  const look = async () => {
    const report = { secure: window.isSecureContext, error: frameError() };
    const policy = document.permissionsPolicy || document.featurePolicy;
    report.embedded = policy ? !policy.allowsFeature("camera") : false;
    report.track = window.emoscopeCamera ? window.emoscopeCamera.readyState : "";
    try { report.permission = (await navigator.permissions.query({ name: "camera" })).state; } catch (_) { }
    if (data.deep && !ice) ice = await gather();
    if (ice) [report.candidates, report.turnErrors] = ice;
    const text = JSON.stringify(report);
    if (!stopped && text !== last) { last = text; setStateValue("report", report); }
  };
  look();
  const timer = setInterval(look, 1000);
  return () => { stopped = true; clearInterval(timer); };
}

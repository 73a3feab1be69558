export default function ({ data, setTriggerValue }) {
  const watch = () => {
    for (const frame of document.querySelectorAll('iframe[title*="webrtc"]')) {
      let devices;
      try { devices = frame.contentWindow.navigator.mediaDevices; } catch (_) { continue; }
      if (!devices || devices.emoscopeWatched) continue;
      devices.emoscopeWatched = true;
      const open = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (wanted) => {
        const stream = await open(wanted);
        window.emoscopeCamera = stream.getVideoTracks()[0] || window.emoscopeCamera;
        return stream;
      };
    }
  };
  const openCamera = async () => {
    const used = window.emoscopeCamera && window.emoscopeCamera.readyState === "live" ? window.emoscopeCamera : null;
    const size = { width: { ideal: 4096 }, height: { ideal: 4096 } };
    const camera = used ? { deviceId: { exact: used.getSettings().deviceId } } : {};
    try {
      return await navigator.mediaDevices.getUserMedia({ video: { ...camera, ...size } });
    } catch (error) {
      if (!used) throw error;
      return new MediaStream([used.clone()]);
    }
  };
  const take = async () => {
    const stream = await openCamera();
    try {
      const video = document.createElement("video");
      video.muted = true;
      video.playsInline = true;
      video.srcObject = stream;
      await video.play();
      const canvas = document.createElement("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d").drawImage(video, 0, 0);
      return canvas.toDataURL("image/jpeg", 0.95);
    } finally {
      stream.getTracks().forEach((track) => track.stop());
    }
  };
  watch();
  const timer = setInterval(watch, 300);
  if (data.wanted && data.wanted !== window.emoscopeTaken) {
    window.emoscopeTaken = data.wanted;
    take().then((url) => setTriggerValue("taken", { url }), (error) => setTriggerValue("taken", { error: `${error}` }));
  }
  return () => clearInterval(timer);
}

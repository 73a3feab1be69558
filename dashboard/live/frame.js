// Gives the streaming frame, whose look is another library's, the look of the page, and its final size before Start.
const STYLE = `
  .MuiPaper-root:has([data-testid=VideoLabelIcon]) {
    display: flex; flex-direction: column; justify-content: center; gap: 0.6rem; aspect-ratio: 4 / 3; padding: 1.25rem;
    box-sizing: border-box; border-radius: 10px; color: #e8eaf2; text-align: center;
    background: radial-gradient(circle at 50% 38%, #2b3048, #10131a 72%);
    font: 600 1.2rem "Source Sans", system-ui, sans-serif;
  }
  [data-testid=VideoLabelIcon] { display: none !important; }
  .MuiPaper-root:has([data-testid=VideoLabelIcon])::before { content: ""; width: 4.6rem; height: 4.6rem; background: MARK; }
  .MuiPaper-root:has([data-testid=VideoLabelIcon])::after { content: "See your expressions as a network sees them"; }
  .MuiButton-root {
    text-transform: none !important; border-radius: 0.6rem !important; box-shadow: none !important;
    font: 600 1rem "Source Sans", system-ui, sans-serif !important;
  }
  .MuiAlert-root { display: none !important; }
`;
const MARK = `url('data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" fill="none" ` +
  `stroke-width="4" stroke-linecap="round"><path stroke="%23edaa22" d="M4 18V12a8 8 0 0 1 8-8h6M46 4h6a8 8 0 0 1 8 8v6M60 ` +
  `46v6a8 8 0 0 1-8 8h-6M18 60h-6a8 8 0 0 1-8-8v-6"/><path stroke="%23e8eaf2" d="M23 24v4M41 24v4M20 ` +
  `39c6 8 18 8 24 0"/></svg>') center / contain no-repeat`;

export default function () {
  const dress = () => {
    for (const frame of document.querySelectorAll('iframe[title*="webrtc"]')) {
      const page = frame.contentDocument;
      if (!page?.head) continue;
      if (!page.getElementById("emoscope")) {
        const style = Object.assign(page.createElement("style"), { id: "emoscope", textContent: STYLE.replace("MARK", MARK) });
        page.head.append(style);
      }
      const waits = page.querySelector("[data-testid=VideoLabelIcon]");
      const height = waits ? `${page.getElementById("root").scrollHeight}px` : "";
      if (frame.style.minHeight !== height) frame.style.minHeight = height;
    }
  };
  dress();
  const timer = setInterval(dress, 150);
  return () => clearInterval(timer);
}

export default function ({ setTriggerValue }) {
  const take = (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((found) => found.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    const reader = new FileReader();
    reader.onload = () => setTriggerValue("pasted", { name: file.name, url: reader.result });
    reader.readAsDataURL(file);
  };
  document.addEventListener("paste", take);
  return () => document.removeEventListener("paste", take);
}

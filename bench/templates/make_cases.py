"""What jinja2, set up by Hugging Face's transformers, renders: golden files for the tests of Lemma.Text.Templates.

usage: make_cases.py TEMPLATES OUT [--texts]     Run where the Python package "transformers" is.
TEMPLATES is a folder of *.jinja. Writes OUT/constructs.json (the small templates of constructs.py) and OUT/conversations.json: the
conversations below, and for every template what each becomes, as SHA-256 of its UTF-8 (with --texts the text as well).
A refusal is what the template raised itself; an error is any other, whose words are the peer's own.
"""
import argparse, datetime, glob, hashlib, json, os, sys
import jinja2, transformers.utils.chat_template_utils as hf
from constructs import BLOCKS, TEXT, VARIABLES
parser = argparse.ArgumentParser(); parser.add_argument("templates"); parser.add_argument("out"); parser.add_argument("--texts", action="store_true")
options = parser.parse_args()
class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None): return cls(2024, 7, 6, 15, 4, 5, 678900)
hf.datetime = Clock

def outcome(render):
    try: return {"text": render()}
    except jinja2.exceptions.TemplateError as error:
        return {"refusal": str(error)} if type(error) is jinja2.exceptions.TemplateError else {"error": f"{type(error).__name__}: {error}"}
    except Exception as error: return {"error": f"{type(error).__name__}: {error}"}
def write(name, value):
    with open(os.path.join(options.out, name), "w", encoding="utf8") as file: json.dump(value, file, ensure_ascii=False, indent=1); file.write("\n")

cases = []
for template in TEXT + BLOCKS:
    result = outcome(lambda: hf._compile_jinja_template(template).render(**VARIABLES))
    cases.append({"template": template, **({k: v for k, v in result.items() if k != "error"} or {"error": result["error"].split(":")[0]})})
write("constructs.json", {"now": "2024-07-06T15:04:05.6789", "variables": VARIABLES, "cases": cases})

def said(role, content, **more): return {"role": role, "content": content, **more}
def call(name, arguments, id="call00001"): return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
HARD = "Grüße 日本語 😀\u200d <b>&'\"</b>\t\\ {{ x }} {% y %}\r\n\u2028 end  "
ASK = [said("user", "What is the weather in Paris?")]
CALL = said("assistant", None, tool_calls=[call("weather", {"city": "Paris", "days": 3, "exact": True, "note": None})])
RESULT = said("tool", '{"temperature": 21.5}', name="weather", tool_call_id="call00001")
MESSAGES = {
    "one": [said("user", "Hi")], "answered": [said("user", "Hi"), said("assistant", "Hello!")], "system": [said("system", "Be brief."), said("user", "Hi")],
    "turns": [said("system", "  Be brief.\n"), said("user", " One "), said("assistant", "Two\n"), said("user", "Three"), said("assistant", "Four"), said("user", "Five")],
    "unicode": [said("system", HARD), said("user", HARD), said("assistant", HARD)], "empty": [said("user", ""), said("assistant", "")], "nobody": [],
    "two users": [said("user", "a"), said("user", "b")], "late system": [said("user", "a"), said("system", "b")], "only system": [said("system", "s")], "other role": [said("developer", "a"), said("user", "b")],
    "call": ASK + [CALL], "result": ASK + [CALL, RESULT], "after result": ASK + [CALL, RESULT, said("assistant", "It is warm."), said("user", "Thanks")],
    "text call": ASK + [said("assistant", None, tool_calls=[call("weather", '{"city": "Paris"}')]), RESULT], "call with words": ASK + [said("assistant", "Let me see.", tool_calls=[call("weather", {"city": "Zürich"})]), RESULT],
    "two calls": ASK + [said("assistant", "", tool_calls=[call("weather", {"city": "a"}, "call00001"), call("time", {}, "call00002")]), RESULT, said("tool", "12:00", name="time", tool_call_id="call00002"), said("assistant", "Done.")],
    "bare call": ASK + [{"role": "assistant", "tool_calls": [{"name": "weather", "arguments": {"city": ["a", {"b": 1.0}]}}]}], "short id": ASK + [said("assistant", None, tool_calls=[call("weather", {}, "1")])],
    "think": [said("user", "Add 1 and 2."), said("assistant", "<think>\n1 + 2 = 3\n</think>\n\n3"), said("user", "And 3?")], "parts": [said("user", [{"type": "text", "text": "Look"}, {"type": "image"}])], "no content": [{"role": "user"}],
}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "description": "The weather of a <city> & its 'sky'.", "parameters": {"type": "object", "properties": {
        "city": {"type": "string", "description": " Where; ü "}, "days": {"type": "integer", "description": "How many", "minimum": 1, "default": 1.0},
        "kinds": {"type": "array", "items": {"type": "string", "enum": ["wind", "rain"]}, "description": "Which"}, "place": {"type": "object", "description": "Place", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}, "additionalProperties": {"type": "number"}},
        "unit": {"type": ["string", "null"], "description": "Unit"}, "any": {"description": "Anything"}}, "required": ["city"]}, "return": {"type": "object", "description": "The weather"}}},
    {"type": "function", "function": {"name": "time", "description": "The time.", "parameters": {"type": "object", "properties": {}}}},
]
SETTINGS = {
    "plain": {}, "prompt": {"add_generation_prompt": True}, "tools": {"tools": TOOLS}, "tools prompt": {"tools": TOOLS, "add_generation_prompt": True},
    "documents": {"documents": [{"title": "T", "text": "x"}], "add_generation_prompt": True}, "variables": {"tools": TOOLS[1:], "date_string": "1 May 2025", "tools_in_user_message": False, "builtin_tools": ["weather", "code_interpreter"], "custom_tools": TOOLS, "enable_thinking": False},
}
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
results = []
for path in sorted(glob.glob(os.path.join(options.templates, "*.jinja"))):
    text = open(path, encoding="utf8", newline="").read()
    for name, messages in MESSAGES.items():
        for setting, given in SETTINGS.items():
            result = outcome(lambda: hf.render_jinja_template([messages], chat_template=text, **TOKENS, **given)[0][0])
            if "text" in result:
                rendered = result["text"]
                result = {"sha256": hashlib.sha256(rendered.encode("utf8", "surrogatepass")).hexdigest(), **({"text": rendered} if options.texts else {})}
            elif "error" in result: result = {"error": result["error"].split(":")[0]}
            results.append({"template": os.path.basename(path), "messages": name, "setting": setting, **result})
write("conversations.json", {"now": "2024-07-06T15:04:05.6789", "tokens": TOKENS, "messages": MESSAGES, "settings": SETTINGS, "cases": results})
print(len(cases), "constructs,", len(results), "conversations,", sum("sha256" in r for r in results), "rendered,", sum("refusal" in r for r in results), "refused")

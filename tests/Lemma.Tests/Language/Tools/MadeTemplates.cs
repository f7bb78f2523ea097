namespace Lemma.Tests.Language.Tools;

/// <summary>Chat templates of several forms of calls and thoughts, made for these tests.</summary>
internal static class MadeTemplates
{
    /// <summary>Objects of JSON between tags, several one behind the other; thoughts in tags.</summary>
    public const string Tagged = """
        {% if tools %}Tools:{% for t in tools %} {{ t|tojson }}{% endfor %}
        {% endif %}{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<think>
        {{ m.reasoning_content }}
        </think>

        {% endif %}{{ m.content or '' }}{% for c in m.tool_calls or [] %}{{ '\n<tool_call>' }}
        {"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments|tojson }}}
        </tool_call>{% endfor %}[/]
        {% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}
        """;

    /// <summary>A list behind a mark, with ids; more than one user or an id of another length is refused.</summary>
    public const string List = """
        {% for m in messages %}[{{ m.role }}]{{ m.content or '' }}{% if m.tool_calls %}<|call|>[{% for c in m.tool_calls %}{{ raise_exception('an id has nine letters') if c.id|length != 9 }}
        {{- c.function.name|tojson if false else '{"name": "' + c.function.name + '", "arguments": ' }}{{ c.function.arguments|tojson }}, "id": "{{ c.id }}"}{% if not loop.last %}, {% endif %}{% endfor %}]{% endif %}<|end|>
        {% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}
        """;

    /// <summary>Name and arguments apart, arguments as a text, in a message without content; a prompt that opens a thought.</summary>
    public const string Named = """
        {% for m in messages %}[{{ m.role }}]{% if m.content is none %}{% for c in m.tool_calls %}{% if loop.first %}<calls>{% endif %}<call>{{ c.function.name + ':' + c.function.arguments }}</call>{% if loop.last %}</calls>{% endif %}{% endfor %}
        {%- else %}{{ m.content.split('</think>')[-1] }}{% endif %}[/]
        {% endfor %}{% if add_generation_prompt %}[assistant]<think>
        {% endif %}
        """;

    /// <summary>Parameters one by one.</summary>
    public const string Parameters = """
        {% for m in messages %}[{{ m.role }}]{{ m.content or '' }}{% for c in m.tool_calls or [] %}{{ '\n<tool_call>' }}
        <function={{ c.function.name }}>
        {% for k, v in c.function.arguments|items %}
        <parameter={{ k }}>
        {{ v if v is string else v|tojson }}
        </parameter>
        {% endfor %}
        </function>
        </tool_call>{% endfor %}[/]
        {% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}
        """;

    /// <summary>A bare object, one at a time.</summary>
    public const string Bare = """
        {% for m in messages %}[{{ m.role }}]{% if m.tool_calls %}{% if m.tool_calls|length != 1 %}{{ raise_exception('one call at once') }}{% endif %}{"name": "{{ m.tool_calls[0].function.name }}", "parameters": {{ m.tool_calls[0].function.arguments|tojson }}}
        {%- else %}{{ m.content }}{% endif %}[/]
        {% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}
        """;

    /// <summary>No calls at all.</summary>
    public const string Plain = "{% for m in messages %}[{{ m.role }}]{{ m.content }}[/]\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
}

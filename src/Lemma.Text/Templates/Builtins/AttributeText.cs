using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The filter xmlattr: a dictionary as the attributes of a tag, with a space before them; none and undefined are left out.</summary>
internal static class AttributeText
{
    public static Value Filter(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("xmlattr", 0, "autospace");
        if (value is not DictionaryValue dictionary)
            throw new TemplateFault(value is UndefinedValue undefined ? undefined.Reason
                : $"xmlattr: a dictionary is needed, but {value.Shown} is given");
        TextBuffer result = new(context.Budget);
        string before = given[0]?.IsTrue ?? true ? " " : "";
        foreach ((Value key, Value item) in dictionary.Items)
        {
            if (item is NoneValue or UndefinedValue)
                continue;
            string name = Arguments.Text("xmlattr: the name of an attribute", key);
            foreach (char letter in name)
                if (Letters.IsSpace(letter) || letter is '/' or '>' or '=')
                    throw new TemplateFault($"xmlattr: the name of an attribute must have no space, '/', '>' and '=', but is '{name}'");
            result.Append(before).Append(Escaped(context, key)).Append("=\"").Append(Escaped(context, item)).Append('"');
            before = " ";
        }
        return new StringValue(result.ToString());
    }

    private static string Escaped(RenderContext context, Value value) => value is StringValue { IsMarkup: true } markup ? markup.Text
        : TextFilters.Escape(value.ToText(context.Budget), context.Budget);
}

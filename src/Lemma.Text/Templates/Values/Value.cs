namespace Lemma.Text.Templates.Values;

/// <summary>A value of a template; it behaves as the Python object of its kind.</summary>
internal abstract class Value
{
    /// <summary>The kind as Python calls it.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether the value counts as true.</summary>
    public virtual bool IsTrue => true;

    /// <summary>The number of elements; null where there is no such number.</summary>
    public virtual int? Length => null;

    /// <summary>The elements, in order; null where the value has none.</summary>
    public virtual IEnumerable<Value>? Elements => null;

    /// <summary>Writes the value as output shows it.</summary>
    public virtual void WriteText(TextBuffer buffer) => WriteRepresentation(buffer);

    /// <summary>Writes the value as a list shows it.</summary>
    public virtual void WriteRepresentation(TextBuffer buffer) => buffer.Append($"<{Kind}>");

    /// <summary>Whether two values are equal.</summary>
    public virtual bool IsEqual(Value other, Budget budget) => ReferenceEquals(this, other);

    /// <summary>Whether the value holds another.</summary>
    public virtual bool Contains(Value item, Budget budget)
    {
        foreach (Value element in Elements ?? throw new TemplateFault($"'in' needs a text, a list or a dictionary, but has {Shown}"))
        {
            budget.Use(1);
            if (ReferenceEquals(element, item) || element.IsEqual(item, budget))
                return true;
        }
        return false;
    }

    /// <summary>The element of an index or a key; null when there is none.</summary>
    public virtual Value? ElementAt(Value key, Budget budget) => null;

    /// <summary>The attribute or method of a name; null when there is none.</summary>
    public virtual Value? Attribute(string name) => null;

    /// <summary>How errors call the value.</summary>
    public string Shown => this is NoneValue ? "None" : $"'{Kind} object'";

    /// <summary>The elements.</summary>
    /// <exception cref="TemplateFault">There are none.</exception>
    public IEnumerable<Value> Iterate() => Elements ?? throw new TemplateFault($"{Shown} has no elements to go through");

    /// <summary>The value as output shows it.</summary>
    public string ToText(Budget budget)
    {
        if (this is StringValue text)
            return text.Text;
        TextBuffer buffer = new(budget);
        WriteText(buffer);
        return buffer.ToString();
    }
}

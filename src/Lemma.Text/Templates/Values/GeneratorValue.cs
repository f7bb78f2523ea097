namespace Lemma.Text.Templates.Values;

/// <summary>Elements that are made when they are asked for, and only once.</summary>
internal sealed class GeneratorValue(IEnumerable<Value> items) : Value
{
    private readonly IEnumerator<Value> source = items.GetEnumerator();

    public override string Kind => "generator";

    public override IEnumerable<Value>? Elements => Rest();

    private IEnumerable<Value> Rest()
    {
        while (source.MoveNext())
            yield return source.Current;
    }
}

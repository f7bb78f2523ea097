namespace Lemma.Text.Templates;

/// <summary>Counts what one rendering uses; every value that grows asks it before memory is taken.</summary>
internal sealed class Budget(TemplateLimits limits)
{
    private long steps = limits.Steps;
    private int depth;

    /// <summary>Takes steps.</summary>
    /// <exception cref="TemplateFault">None are left.</exception>
    public void Use(long count)
    {
        steps -= count;
        if (steps < 0)
            throw new TemplateFault($"a rendering may take at most {limits.Steps} steps, and they are used up");
    }

    /// <summary>Takes what a new text costs, or a part that is added to one.</summary>
    /// <exception cref="TemplateFault">The whole is too long.</exception>
    public void UseText(long added, long before = 0)
    {
        if (before + added > limits.Length)
            throw new TemplateFault($"a text may have at most {limits.Length} characters, but would have more");
        Use((added / TemplateLimits.TextOfAStep) + 1);
    }

    /// <summary>Goes one level deeper, which is a step.</summary>
    /// <exception cref="TemplateFault">That is too deep.</exception>
    public void Enter()
    {
        if (++depth > limits.Depth)
            throw new TemplateFault($"expressions, macros and values may nest at most {limits.Depth} levels deep");
        Use(1);
    }

    /// <summary>Comes back from a level.</summary>
    public void Leave() => depth--;
}

namespace Lemma.Text.Patterns;

/// <summary>Sets of code points by the properties of Unicode, as ranges from first to last, in order and apart from each other.</summary>
public static class UnicodeProperty
{
    /// <summary>The code points of a category, a script or another property by its name (Lu, Greek, Alphabetic); null for one that is not known.</summary>
    /// <param name="name">The name, compared without case, spaces, hyphens and underscores.</param>
    public static IReadOnlyList<(int First, int Last)>? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return CharacterProperties.Find(name, isInClass: true)?.Ranges.ToArray();
    }

    /// <summary>Code points with all that are equal to one of them without case, one for one.</summary>
    /// <param name="ranges">Any ranges of code points.</param>
    public static IReadOnlyList<(int First, int Last)> WithAllCases(IEnumerable<(int First, int Last)> ranges) =>
        CharacterProperties.CaseFolding.Close(CharacterSet.Of(ranges)).Ranges.ToArray();
}

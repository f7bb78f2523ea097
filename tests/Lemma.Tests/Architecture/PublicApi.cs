using System.Reflection;

namespace Lemma.Tests.Architecture;

/// <summary>What users of an assembly see, a line a type and a line a member, in ordinal order.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    /// <summary>The lines of an assembly.</summary>
    public static IEnumerable<string> Of(Assembly assembly) =>
        assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal).SelectMany(Lines);

    private static IEnumerable<string> Lines(Type type)
    {
        List<string> members = [];
        if (type.IsEnum)
            members.AddRange(type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue())}"));
        else if (!typeof(Delegate).IsAssignableFrom(type))
        {
            members.AddRange(type.GetConstructors(Declared).Where(IsSeen).Select(made => $"{Kind(made)}{Short(type)}({Parameters(made)})"));
            members.AddRange(type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly)
                .Select(field => $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}"));
            members.AddRange(type.GetProperties(Declared).Where(property => property.GetAccessors(nonPublic: true).Any(IsSeen)).Select(Line));
            members.AddRange(type.GetEvents(Declared).Where(one => IsSeen(one.AddMethod!)).Select(one => $"event {Name(one.EventHandlerType!)} {one.Name}"));
            members.AddRange(type.GetMethods(Declared).Where(method => IsSeen(method) && !IsMade(type, method)).Select(method =>
                $"{Kind(method)}{Name(method.ReturnType)} {method.Name}{Arguments(method.GetGenericArguments())}({Parameters(method)})"));
        }
        yield return Heading(type);
        foreach (string member in members.Order(StringComparer.Ordinal))
            yield return $"    {member}";
    }

    private static string Heading(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
            return $"delegate {Name(type.GetMethod("Invoke")!.ReturnType)} {type.Namespace}.{Name(type)}({Parameters(type.GetMethod("Invoke")!)})";
        string kind = type.IsInterface ? "interface" : type.IsEnum ? "enum" : type.IsValueType ? "struct"
            : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
        string[] bases = type.IsEnum ? [] :
        [
            .. (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) ? (Type[])[parent] : [])
            .Concat(type.GetInterfaces().Where(one => one.IsPublic)).Select(Name).Order(StringComparer.Ordinal),
        ];
        return $"{kind} {type.Namespace}.{Name(type)}{(bases.Length == 0 ? "" : " : " + string.Join(", ", bases))}";
    }

    private static string Line(PropertyInfo property)
    {
        MethodInfo[] seen = [.. property.GetAccessors(nonPublic: true).Where(IsSeen)];
        bool isInit = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit)) == true;
        string index = property.GetIndexParameters() is { Length: > 0 } places
            ? $"[{string.Join(", ", places.Select(place => Name(place.ParameterType)))}]" : "";
        string accessors = string.Concat(seen.Select(one => one == property.SetMethod ? (isInit ? " init;" : " set;") : " get;"));
        return $"{Kind(seen[0])}{Name(property.PropertyType)} {property.Name}{index} {{{accessors} }}";
    }

    private static string Kind(MethodBase method) => (method.IsFamily || method.IsFamilyOrAssembly ? "protected " : "")
        + (method.IsStatic ? "static " : "") + (method.IsAbstract && !method.DeclaringType!.IsInterface ? "abstract "
            : method is MethodInfo one && one.GetBaseDefinition() != one ? "override " : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "");

    private static bool IsSeen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    // What the compiler makes for properties, events and records is seen from them.
    private static bool IsMade(Type type, MethodInfo method) => method.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute), false)
        || (method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal)) || method.Name.Contains('<')
        || (method.Name is "Deconstruct" or "PrintMembers" or "ToString" && type.GetMethod("<Clone>$") is not null);

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        (parameter.IsDefined(typeof(ParamArrayAttribute), false) ? "params " : parameter.IsOut ? "out " : parameter.IsIn ? "in "
            : parameter.ParameterType.IsByRef ? "ref " : "")
        + $"{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {parameter.RawDefaultValue ?? "null"}" : "")}"));

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return Name(type.GetElementType()!);
        if (type.IsArray || type.IsPointer)
            return Name(type.GetElementType()!) + (type.IsArray ? $"[{new string(',', type.GetArrayRank() - 1)}]" : "*");
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Name(inner) + "?";
        string outer = type is { IsNested: true, IsGenericParameter: false } ? Name(type.DeclaringType!) + "." : "";
        return outer + Short(type) + Arguments(type.GetGenericArguments());
    }

    private static string Short(Type type) => type.Name.Split('`')[0];

    private static string Arguments(Type[] types) => types.Length == 0 ? "" : $"<{string.Join(", ", types.Select(Name))}>";
}
